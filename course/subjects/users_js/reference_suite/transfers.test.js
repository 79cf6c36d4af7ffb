// Credit goes from one user to another wholly, or not at all.

const request = require("supertest");
const { createApp } = require("users_js");

const { app, sequelize } = createApp(process.env.DATABASE_URL);
let ada, grace;

const signUp = async (name) => (await request(app).post("/users").send({ name, email: `${name}@example.org` })).body;
const transfer = (from, to, amount) => request(app).post("/transfers").send({ from: from.id, to: to.id, amount });
const credit = async (user) => (await request(app).get(`/users/${user.id}`)).body.credit;
const credits = async () => [await credit(ada), await credit(grace)];

beforeEach(async () => {
  await sequelize.sync({ force: true });
  ada = await signUp("ada");
  grace = await signUp("grace");
});
afterAll(() => sequelize.close());

test("credit is taken from one and given to the other", async () => {
  const answer = await transfer(ada, grace, 2.3);
  expect(answer.status).toBe(201);
  expect(answer.body).toMatchObject({ from: ada.id, to: grace.id, amount: 2.3 });
  expect(await credits()).toEqual([7.7, 12.3]);
});

test("a user may give all they have", async () => {
  expect((await transfer(grace, ada, 10)).status).toBe(201);
  expect(await credits()).toEqual([20, 0]);
});

test.each([["the older", () => [ada, grace]], ["the younger", () => [grace, ada]]])(
  "what is too much for %s changes nothing",
  async (_, pair) => {
    const answer = await transfer(...pair(), 10.01);
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({ error: expect.any(String) });
    expect(await credits()).toEqual([10, 10]);
  },
);

test.each([["to", () => [ada, { id: grace.id + 1 }]], ["from", () => [{ id: grace.id + 1 }, ada]]])(
  "nothing comes or goes where nobody is: %s",
  async (_, pair) => {
    const answer = await transfer(...pair(), 3);
    expect(answer.status).toBe(404);
    expect(await credits()).toEqual([10, 10]);
  },
);

test.each([-3, 0, 0.001, "3", null, 1e7])("an amount is refused: %j", async (amount) => {
  const answer = await transfer(ada, grace, amount);
  expect(answer.status).toBe(422);
  expect(await credits()).toEqual([10, 10]);
});

test.each([[() => ada.id], [() => null], [() => "abc"], [() => [1]]])("a transfer goes from a user to another: %#", async (to) => {
  const answer = await request(app).post("/transfers").send({ from: ada.id, to: to(), amount: 3 });
  expect(answer.status).toBe(422);
  expect(await credits()).toEqual([10, 10]);
});

test("many at the same moment cannot spend the same credit", async () => {
  const answers = await Promise.all([3, 3, 3, 3, 3].map((amount) => transfer(ada, grace, amount)));
  expect(answers.map((answer) => answer.status).sort()).toEqual([201, 201, 201, 409, 409]);
  expect(await credits()).toEqual([1, 19]);
});

test("two who pay each other at the same moment both do", async () => {
  const answers = await Promise.all([1, 2].flatMap((amount) => [transfer(ada, grace, amount), transfer(grace, ada, amount)]));
  expect(answers.map((answer) => answer.status)).toEqual([201, 201, 201, 201]);
  expect(await credits()).toEqual([10, 10]);
});
