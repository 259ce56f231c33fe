import { Chalk } from "chalk";
import debug from "debug";

debug.enable("nothing");
console.log(new Chalk({ level: 1 }).green("green"), debug("app").enabled);
