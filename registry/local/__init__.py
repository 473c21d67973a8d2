"""The second half of `./run`: one supervised stack on this machine, and the commands around it."""
