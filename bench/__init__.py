"""What `make bench` runs: the speed of Estafette on this machine, as ratios to simpler programs.

`docs/performance.md` says what each figure means. One module measures one figure; the others start
the programs under test (`stage`, `process`), load them (`load`, `pgbench`, `bare_loop`),
receive from them (`receiver`) and show what came of it (`report`).
"""
