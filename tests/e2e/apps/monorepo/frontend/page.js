const http = require("http");
const escape = require("escape-html");

const page = `<h1>${escape("Fish & chips")}</h1>\n`;
http.createServer((request, response) => response.end(page)).listen(3000);
