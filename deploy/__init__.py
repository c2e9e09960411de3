"""What an operator takes from here to watch ses-streams: Prometheus's rules, Grafana's dashboards."""
