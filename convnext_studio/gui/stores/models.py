"""The Models that can be chosen: catalogue, sample, own files; which are here, how fast they are, what is coming."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from convnext_studio.core.events import EngineStopped, Failed, SpeedMeasured, WeightsOnDisk
from convnext_studio.core.models.cards import CardRead
from convnext_studio.core.requests import FindWeights, MeasureSpeed, ReadCards
from convnext_studio.core.resources import resource
from convnext_studio.core.values import Execution, ModelInfo, ModelRef
from convnext_studio.gui.jobs import JobHandle, LaneLike
from convnext_studio.gui.settings import Settings, SettingsStore
from convnext_studio.gui.stores.again import Again
from convnext_studio.gui.stores.fetch import Download, Fetch
from convnext_studio.gui.stores.job_list import JobEntry, JobList
from convnext_studio.gui.stores.model_memory import ModelMemory, Speed
from convnext_studio.gui.stores.model_rows import ModelRow, catalogue_rows, own_row
from convnext_studio.gui.widgets import figures

MEASURE_SECONDS = 10.0


class Models(QObject):
    """Holds the rows and their state, and submits the Jobs that change it.

    `asked` is the name of the Model whose weights are not here and which the user wants: a pane offers the ways to
    get them. It is empty otherwise.
    """

    rows_changed = Signal()
    row_changed = Signal(str)  # the state of one row: on disk, speed, download
    asked_changed = Signal()
    taken = Signal()  # a Model was chosen and is on its way
    downloaded = Signal(str)
    file_checked = Signal(object)  # CardRead of a file that was picked
    measure_failed = Signal(object)  # Failed | EngineStopped

    def __init__(
        self,
        lanes: Mapping[str, LaneLike],
        jobs: JobList,
        settings: SettingsStore,
        memory: ModelMemory,
        *,
        catalogue: Callable[[], tuple[ModelRow, ...]] = catalogue_rows,
        sample: Path | None = None,
    ) -> None:
        super().__init__()
        self._lanes = lanes
        self._jobs = jobs
        self._settings = settings
        self._memory = memory
        self._read_catalogue = catalogue
        self._sample = sample or resource("sample", "model.safetensors")
        self._catalogue: tuple[ModelRow, ...] | None = None  # read when it is first shown, not at the start
        self._own: tuple[ModelRow, ...] = ()
        self._on_disk: dict[str, WeightsOnDisk] = {}
        self._fetches: dict[str, Fetch] = {}
        self._entries: dict[str, JobEntry] = {}
        self._measuring: tuple[JobHandle, str] | None = None
        self._asked = ""
        self._looked_in: str | None = None
        self._read_paths: tuple[str, ...] = ()
        self._again = Again()
        settings.changed.connect(self._on_settings_changed)

    # --- what there is

    @property
    def rows(self) -> tuple[ModelRow, ...]:
        """All of them: the sample first, then the user's own, then the catalogue in its order."""
        if self._catalogue is None:
            self._catalogue = self._read_catalogue()
        return (*self._own, *self._catalogue)

    def row(self, name: str) -> ModelRow | None:
        """The row of that name, if there is one."""
        return next((row for row in self.rows if row.name == name), None)

    def on_disk(self, name: str) -> WeightsOnDisk | None:
        """Where the weights are on this machine, None where they are not."""
        return self._on_disk.get(name)

    def is_ready(self, row: ModelRow) -> bool:
        """True if the Model can be loaded without fetching anything."""
        return row.is_own or row.name in self._on_disk

    @property
    def folder(self) -> str:
        """The administrator's folder, "" where there is none."""
        return self._settings.value.weights_folder

    def ref(self, row: ModelRow) -> ModelRef:
        """The reference that loads `row` from where its weights are."""
        return row.ref(self.folder)

    # --- looking

    def look_once(self) -> None:
        """Find out what is on disk, unless that is known already."""
        if self._looked_in != self.folder:
            self.refresh()
        if self._read_paths != self._card_paths():
            self.read_own()

    def refresh(self) -> None:
        """Find out anew what is on disk."""
        self._looked_in = self.folder
        handle = self._lanes["scan"].submit(FindWeights(self.folder), replaces="find weights")
        handle.succeeded.connect(self._on_weights_found)
        handle.failed.connect(self._on_looking_failed)

    def _on_settings_changed(self, _settings: Settings) -> None:
        if self._looked_in is not None:
            self.look_once()

    def _on_weights_found(self, found: dict[str, WeightsOnDisk]) -> None:
        if found != self._on_disk:
            self._on_disk = dict(found)
            self.rows_changed.emit()

    def _on_looking_failed(self, _end: Failed | EngineStopped) -> None:
        self._looked_in = None  # the next time the picker opens, it looks again

    # --- own Model files

    @property
    def own_files(self) -> tuple[str, ...]:
        """Paths of the Model files that were used, the last one first."""
        return self._memory.own_files

    def read_own(self) -> None:
        """Read the cards of the sample and of the user's Model files anew."""
        self._read_paths = self._card_paths()
        handle = self._lanes["interactive"].submit(ReadCards(self._read_paths), replaces="read cards")
        handle.succeeded.connect(self._on_cards_read)
        handle.failed.connect(self._on_cards_unread)

    def _card_paths(self) -> tuple[str, ...]:
        return (str(self._sample), *self._memory.own_files)

    def _on_cards_read(self, cards: tuple[CardRead, ...]) -> None:
        rows = tuple(own_row(read, sample=str(self._sample)) for read in cards)
        if rows != self._own:
            self._own = rows
            self.rows_changed.emit()

    def _on_cards_unread(self, end: Failed | EngineStopped) -> None:
        if self._again.allows(end, self._read_paths):
            self.read_own()
        else:
            self._read_paths = ()  # the next time the picker opens, they are read again

    def check_file(self, path: str) -> None:
        """Find out whether a picked file is a Model file; `file_checked` says so."""
        if not path.casefold().endswith(".safetensors"):
            self.file_checked.emit(CardRead(path, is_bare=True))
            return
        handle = self._lanes["interactive"].submit(ReadCards((path,)), replaces="check file")
        handle.succeeded.connect(self._on_file_checked)

    def _on_file_checked(self, cards: tuple[CardRead, ...]) -> None:
        self.file_checked.emit(cards[0])

    def note_loaded(self, info: ModelInfo) -> None:
        """Take in what loading a Model told: its speed here, and that it is one of the user's own."""
        name = info.ref.name
        if info.images_per_s is not None:
            execution = Execution(info.device_kind, info.precision, info.engine)
            self._memory.note_speed(name, SpeedMeasured(info.images_per_s, execution, 0))
        if Path(name).is_absolute():
            self._memory.note_own_file(name)
            self.read_own()
        self.row_changed.emit(name)

    def forget_own(self, path: str) -> None:
        """Take a Model file off the list; the file itself stays."""
        self._memory.forget_own_file(path)
        self._own = tuple(row for row in self._own if row.name != path)
        self.rows_changed.emit()

    # --- getting weights

    @property
    def asked(self) -> str:
        """Name of the Model whose weights are wanted and missing."""
        return self._asked

    def ask(self, name: str) -> None:
        """Offer the ways to get the weights of `name`; "" takes the offer back."""
        if name != self._asked:
            self._asked = name
            self.asked_changed.emit()

    def download_of(self, name: str) -> Download | None:
        """The download of `name` that has not arrived yet, if one was started."""
        fetch = self._fetches.get(name)
        return fetch.state if fetch is not None else None

    def download(self, name: str) -> None:
        """Start a download, or go on with one that ended too soon."""
        fetch = self._fetches.get(name)
        if fetch is None:
            fetch = Fetch(name, self._lanes["downloads"], self)
            fetch.changed.connect(self._on_fetch_changed)
            fetch.arrived.connect(self._on_arrived)
            self._fetches[name] = fetch
        if fetch.handle is None or fetch.handle.is_closed:
            self._entries[name] = self._jobs.add(self.tr("Download"), fetch.start(), "download")

    def stop_download(self, name: str) -> None:
        """Stop a download; what has come stays, so that it can go on from there."""
        if name in self._fetches:
            self._fetches[name].stop()

    def _on_fetch_changed(self, name: str) -> None:
        download = self._fetches[name].state
        if download.is_active and name in self._entries:
            words = f"{name} · {figures.transfer(download.done_bytes, download.total_bytes)}"
            self._entries[name].progress(download.done_bytes, download.total_bytes, words)
        else:
            self._entries.pop(name, None)
        self.row_changed.emit(name)

    def _on_arrived(self, name: str, found: WeightsOnDisk) -> None:
        self._fetches.pop(name).deleteLater()
        self._on_disk[name] = found
        self.row_changed.emit(name)
        self.downloaded.emit(name)

    # --- speed

    @property
    def measuring(self) -> str:
        """Name of the Model whose speed is being measured, "" if none."""
        return self._measuring[1] if self._measuring else ""

    @property
    def measured_execution(self) -> Execution | None:
        """The Execution that is being measured; None if nothing is."""
        request = self._measuring[0].request if self._measuring else None
        return request.execution if isinstance(request, MeasureSpeed) else None

    def speeds(self, name: str) -> tuple[Speed, ...]:
        """What was measured here, the fastest first."""
        return self._memory.speeds(name)

    def measure(self, row: ModelRow, execution: Execution | None = None) -> None:
        """Measure images/s here; takes 10 s at most. The weights do not matter for it, so random ones do."""
        self.stop_measuring()
        ref = ModelRef(row.name) if row.is_own else ModelRef(row.name, "random")
        request = MeasureSpeed(ref, execution or Execution(), MEASURE_SECONDS)
        handle = self._lanes["batch"].submit(request, replaces="measure speed")
        self._jobs.add(self.tr("Measure"), handle, "speed").progress(0, 0, row.title)
        handle.succeeded.connect(self._on_measured)
        handle.failed.connect(self.measure_failed)
        handle.closed.connect(self._on_measure_closed)
        self._measuring = (handle, row.name)
        self.row_changed.emit(row.name)

    def stop_measuring(self) -> None:
        """Stop the measurement that runs, if one does."""
        if self._measuring is not None:
            handle, name = self._measuring
            self._measuring = None
            handle.cancel()
            self.row_changed.emit(name)

    def _on_measured(self, measured: SpeedMeasured) -> None:
        self._memory.note_speed(self.measuring, measured)

    def _on_measure_closed(self) -> None:
        if self._measuring is not None and self._measuring[0].is_closed:
            name = self.measuring
            self._measuring = None
            self.row_changed.emit(name)
