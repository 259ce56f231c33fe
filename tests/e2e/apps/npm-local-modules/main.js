const inherits = require("inherits");
const ms = require("ms");

console.log(typeof inherits, ms("1 hour"));
