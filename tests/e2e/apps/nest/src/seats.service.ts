import { existsSync, readFileSync, writeFileSync } from "fs";
import { join } from "path";

import { Injectable } from "@nestjs/common";

const FILE = join(process.cwd(), "seats.json");

@Injectable()
export class SeatsService {
  plan(): Record<string, string> {
    return existsSync(FILE) ? JSON.parse(readFileSync(FILE, "utf8")) : {};
  }

  take(seat: string, guest: string) {
    const plan = { ...this.plan(), [seat]: guest };
    writeFileSync(FILE, JSON.stringify(plan));
    return plan;
  }
}
