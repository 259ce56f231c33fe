"""Would send receipts."""

import time

while True:
    time.sleep(60)
