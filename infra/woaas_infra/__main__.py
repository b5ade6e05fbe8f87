"""``python -m woaas_infra``: how the supervisor starts its children."""

from woaas_infra.cli import main

main()
