"""One database, one writer, group commit, one owner; named SQL; migrations."""
