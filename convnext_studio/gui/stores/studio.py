"""All Stores of the window, built once and handed to everyone who needs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject

from convnext_studio.core.values import Execution, ModelRef
from convnext_studio.gui.jobs import LaneLike
from convnext_studio.gui.messages import Messages
from convnext_studio.gui.settings import Settings, SettingsStore
from convnext_studio.gui.stores.architecture import Architecture
from convnext_studio.gui.stores.classifier import Classifier
from convnext_studio.gui.stores.compared import Compared
from convnext_studio.gui.stores.data_sets import DataSets
from convnext_studio.gui.stores.evaluator import Evaluator
from convnext_studio.gui.stores.expectation import Expectation
from convnext_studio.gui.stores.explainer import Explainer
from convnext_studio.gui.stores.explanation_files import ExplanationFiles
from convnext_studio.gui.stores.exporter import Exporter
from convnext_studio.gui.stores.job_list import JobList
from convnext_studio.gui.stores.library import Library
from convnext_studio.gui.stores.log_store import LogStore
from convnext_studio.gui.stores.look import Look
from convnext_studio.gui.stores.model_memory import ModelMemory
from convnext_studio.gui.stores.models import Models
from convnext_studio.gui.stores.nearest import Nearest
from convnext_studio.gui.stores.past_recipes import PastRecipes
from convnext_studio.gui.stores.places import Places
from convnext_studio.gui.stores.race import Race
from convnext_studio.gui.stores.rate_finder import RateFinder
from convnext_studio.gui.stores.recent import Recent
from convnext_studio.gui.stores.run_queue import RunQueue
from convnext_studio.gui.stores.runs_shown import RunsShown
from convnext_studio.gui.stores.sample_maker import SampleMaker
from convnext_studio.gui.stores.set_up import SetUp
from convnext_studio.gui.stores.side_by_side import SideBySide
from convnext_studio.gui.stores.thumbnails import Thumbnails
from convnext_studio.gui.stores.training import Training
from convnext_studio.gui.stores.training_shown import TrainingShown
from convnext_studio.gui.stores.viewer import Viewer
from convnext_studio.gui.stores.window_memory import WindowMemory
from convnext_studio.gui.theme.theme import Theme


@dataclass
class Studio:
    """What Panels read and call."""

    theme: Theme
    places: Places
    settings: SettingsStore
    messages: Messages
    lanes: Mapping[str, LaneLike]
    jobs: JobList
    recent: Recent
    recent_look: Look
    library: Library
    classifier: Classifier
    thumbnails: Thumbnails
    viewer: Viewer
    side_by_side: SideBySide
    exporter: Exporter
    explainer: Explainer
    architecture: Architecture
    nearest: Nearest
    explanation_files: ExplanationFiles
    models: Models
    sample: SampleMaker
    set_up: SetUp
    data_sets: DataSets
    past_recipes: PastRecipes
    expectation: Expectation
    rate_finder: RateFinder
    training: Training
    queue: RunQueue
    compared: Compared
    race: Race
    evaluator: Evaluator
    memory: WindowMemory
    log: LogStore
    opened: tuple[str, ...] = ()
    counted: str = ""  # the recent place that all open Images are in, if there is one

    def recall_model(self) -> None:
        """Want the Model that was used last; the sample if there was none. Nothing is loaded by this."""
        kept = self.memory.texts("model")
        if len(kept) == 3:
            self.classifier.model_ref = ModelRef(kept[0], file=kept[1], folder=kept[2])

    def look_at_recent(self) -> None:
        """Have the recent places looked at; those that are gone are marked once the disk has answered."""
        self.recent_look.ask(place.path for place in self.recent.places)

    def open_paths(self, paths: tuple[str, ...], *, add: bool = False) -> None:
        """Open files and folders in place of those now open, or besides them, and remember them as recent."""
        if paths:
            for path in reversed(paths[:3]):
                self.recent.add(path)
            self.opened = (*self.opened, *paths) if add else paths
            self.counted = self.opened[0] if len(self.opened) == 1 else ""
            self.library.open_paths(paths, add=add)

    def show_images(self, paths: tuple[str, ...]) -> None:
        """Open some Images of a data set, in the order given; they are no place to remember."""
        self.opened, self.counted = paths, ""
        self.library.open_paths(paths)


def build_studio(theme: Theme, places: Places, lanes: Mapping[str, LaneLike]) -> Studio:
    """Make the Stores and tie them to the settings."""
    settings = SettingsStore(places.settings)
    messages = Messages()
    jobs = JobList()
    library = Library(lanes, messages)
    classifier = Classifier(lanes, library, messages)
    set_up = SetUp()
    training = Training(lanes, messages, settings, set_up, places.runs)
    queue = RunQueue(lanes, messages, training)
    models = Models(lanes, jobs, settings, ModelMemory(places.state))
    data_sets = DataSets(lanes, jobs, messages, set_up)
    viewer = Viewer(lanes, library, classifier)
    memory = WindowMemory(places.window)
    studio = Studio(
        theme=theme,
        places=places,
        settings=settings,
        messages=messages,
        lanes=lanes,
        jobs=jobs,
        recent=Recent(places.recent),
        recent_look=Look(lanes, "recent"),
        library=library,
        classifier=classifier,
        thumbnails=Thumbnails(lanes, library),
        viewer=viewer,
        side_by_side=SideBySide(lanes),
        exporter=Exporter(lanes, jobs, messages),
        explainer=Explainer(lanes, (library, classifier, viewer), memory, jobs),
        architecture=Architecture(lanes, (library, classifier, viewer)),
        nearest=Nearest(lanes, (library, classifier, viewer), jobs, messages),
        explanation_files=ExplanationFiles(lanes, jobs, messages),
        models=models,
        sample=SampleMaker(lanes, jobs, messages, places.sample),
        set_up=set_up,
        data_sets=data_sets,
        past_recipes=PastRecipes(lanes, messages, set_up),
        expectation=Expectation(lanes, set_up, data_sets),
        rate_finder=RateFinder(lanes, jobs, set_up),
        training=training,
        queue=queue,
        compared=Compared(lanes, training),
        race=Race(lanes, messages, models, set_up, (training, queue)),
        evaluator=Evaluator(lanes, jobs, messages, places.state / "evaluations"),
        memory=memory,
        log=LogStore(),
    )
    studio.sample.made.connect(lambda folder: studio.open_paths((folder,)))
    library.opening_began.connect(lambda: studio.sample.drop(is_to_train=False))
    data_sets.chosen.connect(lambda: studio.sample.drop(is_to_train=True))
    studio.viewer.reread.connect(studio.thumbnails.forget)
    studio.viewer.reread.connect(classifier.classify_again)
    studio.recent.changed.connect(studio.look_at_recent)
    settings.troubled.connect(messages.warning)
    _Tie(studio)
    RunsShown(library, classifier, jobs)
    TrainingShown(studio.training, jobs)
    return studio


class _Tie(QObject):
    """Carries each setting to what it is about; a child of the settings."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.settings)
        self._studio = studio
        self._execution: Execution | None = None  # the one that was asked for last, whether it could be had or not
        self._carry(studio.settings.value)
        studio.settings.changed.connect(self._carry)
        studio.library.finding_changed.connect(self._note_count)
        studio.classifier.info_changed.connect(self._note_model)

    def _note_model(self) -> None:
        info = self._studio.classifier.info
        if info is not None:
            self._studio.models.note_loaded(info)
        if info is not None and not info.is_meaningless:
            self._studio.memory.keep("model", [info.ref.name, info.ref.file, info.ref.folder])

    def _note_count(self) -> None:
        studio = self._studio
        if studio.counted and not studio.library.is_finding and studio.library.total:
            studio.recent.add(studio.counted, studio.library.total)

    def _carry(self, value: Settings) -> None:
        theme, classifier = self._studio.theme, self._studio.classifier
        theme.is_motion_reduced = value.is_motion_reduced
        theme.set_mode(value.theme)
        studio = self._studio
        for store in (classifier, studio.thumbnails, studio.viewer, studio.side_by_side, studio.evaluator):
            store.max_megapixels = value.max_megapixels
        classifier.top = value.top
        classifier.is_automatic = value.classifies_at_once
        execution = Execution(value.device, value.precision, value.engine)
        if execution == self._execution:
            return
        self._execution = execution
        if classifier.info is None and classifier.state == "no Model":
            classifier.execution = execution  # nothing is loaded before the Engine is up
        else:
            classifier.set_execution(execution)
