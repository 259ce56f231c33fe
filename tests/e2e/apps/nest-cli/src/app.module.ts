import { Module } from '@nestjs/common';
import { AppController } from './app.controller';
import { LoansModule } from './loans/loans.module';

@Module({
  imports: [LoansModule],
  controllers: [AppController],
})
export class AppModule {}
