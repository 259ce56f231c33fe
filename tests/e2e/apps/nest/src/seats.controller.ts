import { Body, Controller, Get, Param, Put } from "@nestjs/common";

import { SeatsService } from "./seats.service";

@Controller("seats")
export class SeatsController {
  constructor(private readonly seats: SeatsService) {}

  @Get()
  plan() {
    return this.seats.plan();
  }

  @Put(":seat")
  take(@Param("seat") seat: string, @Body("guest") guest: string) {
    return this.seats.take(seat, guest);
  }
}
