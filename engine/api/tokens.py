"""Bearer tokens, looked up by SQL that is written once; all that makes one valid is the toolkit's own business."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db.models import QuerySet
from oauth2_provider.models import get_access_token_model
from oauth2_provider.oauth2_validators import OAuth2Validator

from engine.models.prepared import Prepared


def _with(checksum: str) -> QuerySet[Any]:
    found: QuerySet[Any] = get_access_token_model()._default_manager.filter(token_checksum=checksum)
    return found.select_related("application", "user").order_by()


_BY_CHECKSUM: Prepared[Any] = Prepared(get_access_token_model, _with)


class Validator(OAuth2Validator):  # type: ignore[misc]
    """The toolkit's, except for how it finds a token, which every call does."""

    def _load_access_token(self, token: str) -> Any:
        return _BY_CHECKSUM.first(hashlib.sha256(token.encode()).hexdigest())
