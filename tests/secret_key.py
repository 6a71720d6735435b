"""The key of the secrets in the databases of a run: one, for processes ask whether it is theirs."""

from estafette.usecases.accounts.secrets import new_cipher_key

CIPHER_KEY = new_cipher_key()
