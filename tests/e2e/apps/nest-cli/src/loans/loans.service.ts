import { Injectable } from '@nestjs/common';

@Injectable()
export class LoansService {
  private readonly loans = new Map<string, string>();

  lend(title: string, reader: string) {
    this.loans.set(title, reader);
    return { title, reader };
  }

  all() {
    return Object.fromEntries(this.loans);
  }
}
