// Files run in the order of their names, or from the last to the first: jest's own order depends on earlier runs.

const { task } = require("./events");

class Sequencer {
  shard(tests) {
    return tests;
  }

  sort(tests) {
    const sorted = [...tests].sort((one, other) => (one.path < other.path ? -1 : 1));
    return task.reverse ? sorted.reverse() : sorted;
  }

  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {}
}

module.exports = Sequencer;
