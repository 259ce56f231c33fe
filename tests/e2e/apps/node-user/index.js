const ms = require("ms");
const { customAlphabet } = require("nanoid");

console.log(process.getuid(), ms("2 days"), customAlphabet("a", 5)());
