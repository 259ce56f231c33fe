module example.com/drop-box

go 1.19
