// Who signs up is there, once, and as the contract says.

const request = require("supertest");
const { createApp } = require("users_js");

const { app, sequelize } = createApp(process.env.DATABASE_URL);
const ADA = { name: "Ada Lovelace", email: "ada@example.org" };
const USER = {
  id: expect.any(Number),
  name: "Ada Lovelace",
  email: "ada@example.org",
  credit: 10,
  createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/),
};

const signUp = (fields = {}) => request(app).post("/users").send({ ...ADA, ...fields });
const read = (user) => request(app).get(`/users/${user.id}`);
const total = async () => (await request(app).get("/users")).body.total;

beforeEach(() => sequelize.sync({ force: true }));
afterAll(() => sequelize.close());

describe("a new user", () => {
  test("is answered with 201 and as they are", async () => {
    const answer = await signUp();
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject(USER);
  });

  test("is there in the next request", async () => {
    const { body: ada } = await signUp();
    const answer = await read(ada);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(ada);
  });

  test("is in the list, the oldest first", async () => {
    const { body: ada } = await signUp();
    const { body: grace } = await signUp({ name: "Grace", email: "grace@example.org" });
    const answer = await request(app).get("/users");
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ items: [ada, grace], total: 2 });
  });

  test.each(["ada@example.org", "Ada@Example.org"])("is refused where somebody has the address: %s", async (email) => {
    await signUp();
    const answer = await signUp({ name: "Somebody else", email });
    expect(answer.status).toBe(400);
    expect(answer.body.error).toContain("already exists");
    expect(await total()).toBe(1);
  });

  test.each([{ name: "" }, { name: "   " }, { name: null }, { name: "a".repeat(101) }, { name: "a\0b" }, { email: "ada" }, { email: undefined }])(
    "is refused where a field is wrong: %j",
    async (wrong) => {
      const answer = await signUp(wrong);
      expect(answer.status).toBe(422);
      expect(answer.body).toMatchObject({ error: expect.any(String) });
      expect(await total()).toBe(0);
    },
  );

  test.each([["a".repeat(100)], ["é".repeat(100)], ["  Ada "]])("has a name of up to 100 characters: %s", async (name) => {
    const answer = await signUp({ name });
    expect(answer.body).toMatchObject({ name: name.trim() });
  });

  test("is refused where the body is no JSON", async () => {
    const answer = await request(app).post("/users").set("Content-Type", "application/json").send("{");
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ error: expect.any(String) });
  });

  test("is refused where there is no body", async () => {
    expect((await request(app).post("/users")).status).toBe(422);
  });
});

describe("a user who is not there", () => {
  test.each(["1", "0", "2147483648", "99999999999999999999", "abc", "1.5"])("is not found: %s", async (id) => {
    for (const answer of [await request(app).get(`/users/${id}`), await request(app).delete(`/users/${id}`)]) {
      expect(answer.status).toBe(404);
      expect(answer.body).toMatchObject({ error: "User not found" });
    }
  });
});

describe("a user who is deleted", () => {
  test("is gone, and no other is", async () => {
    const { body: ada } = await signUp();
    const { body: grace } = await signUp({ email: "grace@example.org" });
    const answer = await request(app).delete(`/users/${ada.id}`);
    expect(answer.status).toBe(204);
    expect(answer.text).toBe("");
    expect((await read(ada)).status).toBe(404);
    expect((await request(app).get("/users")).body).toMatchObject({ items: [grace], total: 1 });
  });

  test("can sign up again", async () => {
    const { body: ada } = await signUp();
    await request(app).delete(`/users/${ada.id}`);
    const answer = await signUp();
    expect(answer.status).toBe(201);
  });
});
