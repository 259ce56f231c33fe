import { Controller, Get } from '@nestjs/common';

@Controller()
export class AppController {
  @Get()
  opening(): string {
    return 'The desk is open until six.';
  }
}
