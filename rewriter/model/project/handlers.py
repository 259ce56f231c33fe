"""The words by which the handler of a route shows that it may refuse a request, or that it changes something."""

from __future__ import annotations

import re
from typing import Final

from rewriter.model.managers.vocabulary import names
from rewriter.model.project import HEALTH_PATHS

REFUSES: Final = re.compile(
    r"\b(?:re?q|request|ctx|context|c)\??\.(?:req(?:uest)?\??\.)?headers?\b|\b40[13]\b"
    r"|(?i:unauthorized|forbidden|authorization)"
)
"""What a handler says that looks at who asks, in any language."""
CHANGES: Final = names(
    "incr incrby incrBy decr decrby hincrby hIncrBy zincrby zadd zAdd lpush lPush rpush rPush sadd sAdd hset hSet "
    "setex setEx insert insertOne insertMany insert_one insert_many insertInto save bulkCreate bulk_create "
    "findOneAndUpdate findByIdAndUpdate find_one_and_update updateOne updateMany update_one update_many deleteOne "
    "deleteMany delete_one delete_many findOrCreate get_or_create upsert increment decrement sendMail send_mail "
    "publish writeFile writeFileSync appendFile appendFileSync createWriteStream unlink unlinkSync outputFile "
    "write_text write_bytes commit enqueue apply_async"
)
"""Methods that change something wherever they are called."""
MAY_CHANGE: Final = names("set add push append create update delete remove destroy put post patch emit write")
"""Methods that do so where they are called on something that outlives the request."""
SQL: Final = re.compile(r"\s*(?:INSERT\s+INTO|UPDATE\s|DELETE\s+FROM|REPLACE\s+INTO)", re.IGNORECASE)
_LAST_WORDS: Final = frozenset({"", *(path.rpartition("/")[2] for path in HEALTH_PATHS)})


def may_be_asked(path: str) -> bool:
    """Whether a health check may ask for a path, below whatever prefix."""
    return path.rstrip("/").rpartition("/")[2] in _LAST_WORDS
