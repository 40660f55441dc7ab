"""What the core knows of each backbone, one file per backbone; `table` says what must be known of one."""
