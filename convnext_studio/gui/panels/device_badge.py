"""What the Model runs on and how fast, in the top bar; under it, what else this machine offers, measured."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from convnext_studio.core.events import DeviceFound, EngineStopped, Failed
from convnext_studio.core.requests import FindDevices
from convnext_studio.core.values import DeviceName, EngineName, Execution, ModelInfo, Precision
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets import figures, numbers
from convnext_studio.gui.widgets.buttons import Button, bind
from convnext_studio.gui.widgets.execution_choice import ExecutionChoice
from convnext_studio.gui.widgets.frame import Hairline
from convnext_studio.gui.widgets.label import PlainLabel, plain_tip
from convnext_studio.gui.widgets.popover import Popover

ENGINE_WORDS: dict[EngineName, str] = {"torch": "PyTorch", "openvino": "OpenVINO", "onnxruntime": "ONNX Runtime"}
KIND_WORDS: dict[DeviceName, str] = {"cpu": "CPU", "cuda": "CUDA", "mps": "Apple GPU"}
_AUTO = Execution()


class DeviceBadge(Button):
    """ "CPU · bf16 · OpenVINO · 41 images/s"; while a Model is made ready, what is being done."""

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(studio.theme, "", "cpu", "ghost")
        self._measure_again = actions["measure_again"]
        actions.connect("measure_again", studio.classifier.measure_again)
        self._studio = studio
        self._stage = ""
        self._popover: DevicePopover | None = None
        if parent is not None:
            self.setParent(parent)
        self.clicked.connect(self.open_popover)
        classifier = studio.classifier
        classifier.info_changed.connect(self._show)
        classifier.state_changed.connect(self._show)
        classifier.stage_changed.connect(self._on_stage_changed)
        self._show()

    @property
    def popover(self) -> DevicePopover:
        """The popover, made when it is first wanted."""
        if self._popover is None:
            self._popover = DevicePopover(self._studio, self._measure_again, self)
        return self._popover

    def open_popover(self) -> None:
        """Open the popover, or close it if it is open."""
        if self._popover is not None and self._popover.isVisible():
            self._popover.close_popover()
        else:
            self.popover.open_for(self)

    def _on_stage_changed(self, stage: str) -> None:
        self._stage = stage
        self._show()

    def _show(self) -> None:
        classifier = self._studio.classifier
        if classifier.state == "loading":
            self.set_text(f"{self._stage.rstrip('.…')}…" if self._stage else self.tr("Starting…"))
        elif classifier.info is not None:
            self._stage = ""
            self.set_text(badge_words(classifier.info))
        else:
            self.set_text(self.tr("No Model yet"))
        self._measure_again.setEnabled(classifier.can_measure_again)
        device = classifier.info.device if classifier.info is not None else ""
        self.setToolTip(plain_tip(device or self.tr("What the Model runs on")))
        self.setAccessibleName(self.tr("Device: %s").replace("%s", self.text().strip()))


def badge_words(info: ModelInfo) -> str:
    """Device, precision, engine and speed of a loaded Model; the speed is left out where it was not measured."""
    words = [KIND_WORDS.get(info.device_kind, info.device), info.precision, ENGINE_WORDS.get(info.engine, info.engine)]
    if info.images_per_s is not None:
        words.append(numbers.rate(info.images_per_s))
    return " · ".join(words)


class DevicePopover(Popover):
    """Every device, engine and precision of this machine with its measured speed; a press switches to it."""

    def __init__(self, studio: Studio, measure_again: QAction, parent: QWidget) -> None:
        super().__init__(studio.theme, parent)
        self._studio = studio
        self.again = Button(studio.theme, measure_again.text(), kind="link")
        bind(self.again, measure_again)
        self._devices: tuple[DeviceFound, ...] = ()
        self._is_asked = False
        self.choices: dict[Execution, ExecutionChoice] = {}
        self._group = QButtonGroup(self)
        self.now = PlainLabel("", "body", "text2", wrap=True)
        self._list = QVBoxLayout()
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(2)
        self._lay_out()
        self._fill()
        classifier = studio.classifier
        classifier.info_changed.connect(self._show)
        classifier.state_changed.connect(self._show)
        classifier.stage_changed.connect(self._on_stage_changed)
        studio.models.row_changed.connect(self._on_row_changed)
        studio.settings.changed.connect(self._show)

    def sizeHint(self) -> QSize:
        """Wide enough for a device's name."""
        wanted = 196 + 34 * len(self.choices) + 30 * len(self._devices)
        return QSize(440, min(wanted, self._frame.height() - 68))

    def open_for(self, anchor: QWidget) -> None:
        """Open, and find the devices if that was not done yet."""
        if not self._is_asked:
            self._is_asked = True
            handle = self._studio.lanes["scan"].submit(FindDevices(), replaces="find devices")
            handle.succeeded.connect(self._on_devices_found)
            handle.failed.connect(self._on_devices_failed)
        self._show()
        self.open_under(anchor, self.choices[_AUTO].button)

    def _lay_out(self) -> None:
        self.body.addWidget(PlainLabel(self.tr("Where the Model runs"), "title"))
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.now, 1)
        row.addWidget(self.again, 0, Qt.AlignmentFlag.AlignBottom)
        self.body.addLayout(row)
        self.body.addWidget(Hairline())
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self._list)
        column.addStretch(1)
        area = QScrollArea()
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidgetResizable(True)
        area.setWidget(inner)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.body.addWidget(area, 1)
        self.body.addWidget(Hairline())
        tolerance = self.tr(
            "Each is taken only if it gives the labels of PyTorch in fp32, and probabilities within 0.01 of it."
        )
        self.body.addWidget(PlainLabel(tolerance, "small", "text2", wrap=True))

    def _fill(self) -> None:
        while (item := self._list.takeAt(0)) is not None:
            item.widget().deleteLater()  # type: ignore[union-attr]  # nothing but widgets is in it
        self.choices.clear()
        self._add_choice(_AUTO, self.tr("Automatic: the fastest of these"))
        for device in self._devices:
            self._add_device(device)
            for engine in device.engines:
                for precision in device.precisions:
                    if engine != "onnxruntime" or precision == "fp32":
                        self._add_choice(*self._choice(device.kind, engine, precision))
        self._show()
        if self.isVisible():
            self.resize(self.sizeHint())

    @staticmethod
    def _choice(kind: DeviceName, engine: EngineName, precision: Precision) -> tuple[Execution, str]:
        return Execution(kind, precision, engine), f"{ENGINE_WORDS.get(engine, engine)} · {precision}"

    def _add_device(self, device: DeviceFound) -> None:
        memory = figures.size(device.memory_bytes) if device.memory_bytes else ""
        kind = KIND_WORDS.get(device.kind, device.kind)
        words = " · ".join(filter(None, (kind, numbers.with_cores(device.name, device.cores), memory)))
        label = PlainLabel(words, "cap", "text3", elide=Qt.TextElideMode.ElideRight)
        label.setFixedHeight(28)
        self._list.addWidget(label)

    def _add_choice(self, execution: Execution, words: str) -> None:
        choice = ExecutionChoice(self._studio.theme, words, self.tr("Measure"))
        self._group.addButton(choice.button)
        self.choices[execution] = choice
        choice.button.setObjectName(f"{execution.device} {execution.engine} {execution.precision}")
        choice.taken.connect(lambda: self._take(execution))
        choice.measure_pressed.connect(lambda: self._measure(execution))
        self._list.addWidget(choice)

    # --- what it says

    def _show(self) -> None:
        self._show_now()
        wanted = self._wanted()
        name = self._name()
        speeds = {speed.execution: speed.images_per_s for speed in self._studio.models.speeds(name)}
        can_measure = self._studio.models.row(name) is not None
        running = self._studio.models.measured_execution
        for execution, choice in self.choices.items():
            choice.button.setChecked(execution == wanted)
            if execution == _AUTO:
                choice.show_speed("", can_measure=False)
            elif running == execution:
                choice.show_measuring(self.tr("Stop"))
            else:
                words = numbers.rate(speeds[execution]) if execution in speeds else ""
                choice.show_speed(words, can_measure=can_measure)

    def _show_now(self) -> None:
        classifier = self._studio.classifier
        info = classifier.info
        if classifier.state == "loading":
            self.now.setText(self.tr("Measuring what is fastest here…"))
        elif info is None:
            self.now.setText(self.tr("No Model is loaded yet."))
        else:
            self.now.setText(f"{info.device}\n{badge_words(info)}")

    def _wanted(self) -> Execution:
        """The choice that holds: as the settings say, or automatic where they leave anything open."""
        value = self._studio.settings.value
        exact = Execution(value.device, value.precision, value.engine)
        return exact if exact in self.choices else _AUTO

    def _name(self) -> str:
        info = self._studio.classifier.info
        return info.ref.name if info is not None else ""

    # --- what is done

    def _take(self, execution: Execution) -> None:
        """The settings carry it to the Classifier, and hold it over restarts."""
        self._studio.settings.update(device=execution.device, precision=execution.precision, engine=execution.engine)
        self._show()

    def _measure(self, execution: Execution) -> None:
        models = self._studio.models
        row = models.row(self._name())
        if models.measured_execution == execution:
            models.stop_measuring()
        elif row is not None:
            models.measure(row, execution)

    def _on_devices_found(self, devices: tuple[DeviceFound, ...]) -> None:
        self._devices = devices
        self._fill()

    def _on_devices_failed(self, end: Failed | EngineStopped) -> None:
        self._is_asked = False
        self._studio.messages.failed(end, self.tr("The devices of this machine could not be found."))

    def _on_stage_changed(self, _stage: str) -> None:
        self._show_now()

    def _on_row_changed(self, name: str) -> None:
        if name == self._name():
            self._show()
