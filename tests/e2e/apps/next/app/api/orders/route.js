import { appendFile, mkdir, readFile } from "fs/promises";

export async function POST(request) {
  await mkdir("orders", { recursive: true });
  await appendFile("orders/today.txt", `${await request.text()}\n`);
  return new Response(await readFile("orders/today.txt", "utf8"), { status: 201 });
}
