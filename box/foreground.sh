#!/bin/sh
# A batch script for sbatch that becomes the command it is given: no command line is ever put together as text.
exec "$@"
