module example.org/echoes

go 1.19
