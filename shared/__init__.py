"""What more than one service needs; each room says in its docstring what it provides."""
