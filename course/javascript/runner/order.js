// Which tests of a file run, and in which order: what a run asks for, as far as the blocks of `describe` allow it.

/** Names all tests, leaves those out that are not selected, and sorts the rest in place. */
function inOrder(block, task, name) {
  const ids = new Map();
  walk(block, (test) => ids.set(test, name(test)));
  if (task.select !== null) keep(block, (test) => task.select.includes(ids.get(test)));
  const place = (child) => Math.min(...testsOf(child).map((test) => task.select.indexOf(ids.get(test))));
  const random = task.shuffle === null ? null : numbers(task.shuffle);
  eachBlock(block, ({ children }) => {
    if (task.select !== null) children.sort((one, other) => place(one) - place(other));
    if (task.reverse) children.reverse();
    if (random) shuffle(children, random);
  });
}

function walk(block, visit) {
  for (const child of block.children) child.type === "test" ? visit(child) : walk(child, visit);
}

function testsOf(child) {
  const found = [];
  child.type === "test" ? found.push(child) : walk(child, (test) => found.push(test));
  return found;
}

function eachBlock(block, visit) {
  visit(block);
  for (const child of block.children) if (child.type !== "test") eachBlock(child, visit);
}

function keep(block, isWanted) {
  eachBlock(block, (each) => {
    const wanted = each.children.filter((child) => testsOf(child).some(isWanted));
    each.children.splice(0, each.children.length, ...wanted);
  });
}

function shuffle(list, random) {
  for (let last = list.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [list[last], list[other]] = [list[other], list[last]];
  }
}

/** Random numbers that are the same for a seed: mulberry32. */
function numbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

module.exports = { inOrder };
