// Users and their credit, over HTTP: `createApp(url)` gives the application and its database.

const express = require("express");
const { Sequelize } = require("sequelize");
const { answerError } = require("./refusals");
const { routes } = require("./routes");
const { defineUser } = require("./user");

/** An application on the database of that URL. It never makes the tables: `sequelize.sync()` does. */
function createApp(url) {
  const sequelize = new Sequelize(url, { logging: false });
  const app = express();
  app.use(express.json());
  app.use(routes(defineUser(sequelize)));
  app.use(answerError);
  return { app, sequelize };
}

module.exports = { createApp };
