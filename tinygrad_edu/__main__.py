from tinygrad_edu.cli import main

main()
