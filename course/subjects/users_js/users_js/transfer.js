// Credit goes from one user to another: wholly, or not at all.

const { Refusal } = require("./refusals");

async function transfer(User, { from, to, amount }) {
  // In the order of ids: two who pay each other at the same moment would wait for each other for ever
  const changes = [[from, -amount], [to, amount]].sort(([one], [other]) => one - other);
  await User.sequelize.transaction(async (transaction) => {
    for (const [id, change] of changes) await add(User, id, change, transaction);
  });
}

async function add(User, id, change, transaction) {
  const user = await User.findByPk(id, { transaction, lock: true });
  if (!user) throw new Refusal(404, "User not found");
  if (user.credit + change < 0) throw new Refusal(409, "There is not enough credit");
  await user.increment("credit", { by: change, transaction });
}

module.exports = { transfer };
