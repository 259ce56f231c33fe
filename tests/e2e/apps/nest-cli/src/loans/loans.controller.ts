import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import type { Request } from 'express';
import { LoansService } from './loans.service';

type Reader = Request['body'] & { reader: string };

@Controller('loans')
export class LoansController {
  constructor(private readonly loans: LoansService) {}

  @Get()
  all() {
    return this.loans.all();
  }

  @Put(':title')
  lend(@Param('title') title: string, @Body() body: Reader) {
    return this.loans.lend(title, body.reader);
  }
}
