const dayjs = require("dayjs");
const slugify = require("slugify");

for (let month = 0; month < 12; month++) {
  console.log(slugify(dayjs(new Date(2024, month, 1)).format("MMMM YYYY"), { lower: true }));
}
