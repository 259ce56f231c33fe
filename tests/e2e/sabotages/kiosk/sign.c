#include <stdio.h>

const char *motto(void);

int main(void) {
    puts(motto());
    return 0;
}
