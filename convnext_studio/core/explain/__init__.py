"""Why a Model says what it says, where, and whether the answer can be trusted."""
