"""Keep the category tree: names and places."""

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from orders.models import Category
from orders.services.indexing import words_of_category_changed


class CategoryBelowItself(Refusal):
    """A category cannot stand below itself."""

    code = "category_below_itself"
    message = _("A category cannot stand below itself or one of its subcategories.")


#: The lock that the trigger of the tree takes, too ("catg" in ASCII). Taken before any
#: row: the trigger takes it after one, and two moves would wait for each other.
_TREE_LOCK = 0x63617467


@transaction.atomic
def store_category(*, category: Category) -> None:
    """Write a new or changed category; its whole branch moves with it.

    The words of the products in the branch become due.

    Raises:
        CategoryBelowItself: it would be its own ancestor. The trigger decides, so two
            moves at once cannot make a circle either.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_TREE_LOCK])
    try:
        with transaction.atomic():
            category.save()
    except IntegrityError as error:
        if "stand below itself" in str(error):
            raise CategoryBelowItself from error
        raise
    category.refresh_from_db(fields=["lineage"])
    words_of_category_changed(category_id=category.pk)


def stands_below(*, category: Category, parent: Category | None) -> bool:
    """Whether ``parent`` is the category itself or in its branch."""
    return parent is not None and category.pk in (*parent.lineage, parent.pk)
