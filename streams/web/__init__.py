"""What a worker shows over HTTP: metrics, health, and a plain page that says where they are. It shows no mail."""
