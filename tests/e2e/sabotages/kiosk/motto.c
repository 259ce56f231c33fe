const char *motto(void) { return "all the news"; }
