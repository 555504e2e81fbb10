module cluster.pallas.test/pause

go 1.24
