"""The edge application: terminals in, judged and durable punches out."""
