const fs = require("fs");
const path = require("path");

const folder = path.join(__dirname, "..", "notes");

exports.all = () =>
  fs.existsSync(folder)
    ? fs.readdirSync(folder).sort().map((name) => fs.readFileSync(path.join(folder, name), "utf8"))
    : [];

exports.pin = (text) => {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, `${exports.all().length + 1}.txt`), text);
};
