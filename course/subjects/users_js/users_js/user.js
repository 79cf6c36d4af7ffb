// The table `users`.

const { DataTypes } = require("sequelize");

const WELCOME = 10; // credit of who has just signed up
const plain = (text) => String(text ?? "").trim();

function defineUser(sequelize) {
  return sequelize.define(
    "User",
    {
      id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
      name: {
        type: DataTypes.STRING(100),
        allowNull: false,
        validate: { is: /^[^\0]{1,100}$/su },
        set(name) {
          this.setDataValue("name", plain(name));
        },
      },
      email: {
        type: DataTypes.STRING,
        allowNull: false,
        unique: true,
        validate: { isEmail: true },
        set(email) {
          this.setDataValue("email", plain(email).toLowerCase());
        },
      },
      credit: {
        type: DataTypes.DECIMAL(12, 2),
        allowNull: false,
        defaultValue: WELCOME,
        get() {
          return Number(this.getDataValue("credit")); // the driver reads a DECIMAL as text
        },
      },
    },
    { tableName: "users", updatedAt: false },
  );
}

module.exports = { defineUser };
