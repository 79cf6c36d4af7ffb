// What a caller is told when a request is refused.

const { UniqueConstraintError, ValidationError } = require("sequelize");

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Express calls it with whatever a route has thrown. */
function answerError(error, request, response, next) {
  const { status, message } = asRefusal(error);
  response.status(status).json({ error: message });
}

function asRefusal(error) {
  if (error instanceof UniqueConstraintError) return new Refusal(400, "A user with this email already exists");
  if (error instanceof ValidationError) return new Refusal(422, error.message);
  return error.status ? error : new Refusal(500, "Something went wrong");
}

module.exports = { Refusal, answerError };
