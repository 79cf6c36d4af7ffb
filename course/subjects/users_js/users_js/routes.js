// What is asked, and what is answered.

const { Router } = require("express");
const { Refusal } = require("./refusals");
const { transfer } = require("./transfer");

const isId = (value) => Number.isInteger(value) && value > 0 && value < 2 ** 31;
const isAmount = (value) => typeof value === "number" && value > 0 && /^\d{1,6}(\.\d{1,2})?$/.test(value);

function routes(User) {
  const router = Router();

  async function find(id) {
    const user = isId(Number(id)) ? await User.findByPk(id) : null;
    if (!user) throw new Refusal(404, "User not found");
    return user;
  }

  router.post("/users", async (request, response) => {
    const { name, email } = request.body ?? {};
    const user = await User.create({ name, email });
    response.status(201).json(user);
  });

  router.get("/users", async (request, response) => {
    const { rows, count } = await User.findAndCountAll({ order: ["id"] });
    response.json({ items: rows, total: count });
  });

  router.get("/users/:id", async (request, response) => {
    response.json(await find(request.params.id));
  });

  router.delete("/users/:id", async (request, response) => {
    const user = await find(request.params.id);
    await user.destroy();
    response.status(204).end();
  });

  router.post("/transfers", async (request, response) => {
    const { from, to, amount } = request.body ?? {};
    if (!isId(from) || !isId(to) || from === to) throw new Refusal(422, "from and to are two users");
    if (!isAmount(amount)) throw new Refusal(422, "amount is more than 0, with two decimals at most");
    await transfer(User, { from, to, amount });
    response.status(201).json({ from, to, amount });
  });

  return router;
}

module.exports = { routes };
