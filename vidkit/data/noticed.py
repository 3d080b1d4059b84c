"""What is noticed while one video is read: counts by name, files that are left out, what is odd."""

from collections import Counter

from vidkit.data.records import LeftOut
from vidkit.errors import AnnotationError

# Names of counts, as they stand in the summary.
OTHER_CLASSES = "objects of other classes, left out"
NO_IMAGE = "frames without an image, kept"
NO_XML = "images without annotation, left out"
NO_SIZE = "frames whose XML tells no size"
SIZES_DIFFER = "frames whose XML tells another size than most of their video"
IMAGE_DIFFERS = "images of another size than their XML tells"
IMAGE_BROKEN = "images that can't be read"
INVERTED = "inverted boxes (xmax < xmin or ymax < ymin), kept as they are"
NO_TRACK = "objects without a track id"
SUBCATEGORY = "objects with a subcategory"
OTHER_FILES = "files that are neither XML nor folders, ignored"


class Notes:
    """What is noticed while one video is read: the only thing here that changes, and it lives as long as the call."""

    def __init__(self, skip_errors: bool) -> None:
        self.skip_errors = skip_errors
        self.counts: Counter[str] = Counter()
        self.left_out: list[LeftOut] = []
        self.remarks: list[LeftOut] = []

    def count(self, what: str, n: int) -> None:
        """Add to a count."""
        if n:
            self.counts[what] += n

    def leave_out(self, place: str, reason: str) -> None:
        """Raise, or list the file where errors are to be skipped."""
        if not self.skip_errors:
            raise AnnotationError(f"{place}: {reason}")
        self.left_out.append(LeftOut(place, reason))

    def remark(self, what: str, place: str, reason: str) -> None:
        """Count and list what is odd about a file that is kept."""
        self.counts[what] += 1
        self.remarks.append(LeftOut(place, reason))
