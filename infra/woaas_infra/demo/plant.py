"""The plant and people of Precision Bracket Co. (精工小厂): 12 machines, 3 shifts, 10 operators. Plain data."""

from typing import Any

Records = dict[str, dict[str, dict[str, Any]]]

ZONE = "Asia/Shanghai"
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat")


def _weekly(*windows: tuple[str, str], days: tuple[str, ...] = _WEEK) -> dict[str, Any]:
    return {"time_zone": ZONE, "weekly": [{"day": d, "start": s, "end": e} for d in days for s, e in windows]}


CALENDARS = {
    "day-shift": _weekly(("06:00", "14:00")),
    "late-shift": _weekly(("14:00", "22:00")),
    "night-shift": _weekly(("22:00", "06:00"), days=_WEEK[:5]),
    "two-shifts": _weekly(("06:00", "22:00")),
    "three-shifts": _weekly(("00:00", "24:00"), days=("mon", "tue", "wed", "thu", "fri", "sat")),
}


def _machine(name: str, equipment_class: str, calendar: str, cost: str, group: str | None = None) -> dict[str, Any]:
    record: dict[str, Any] = {
        "name": name,
        "site": "suzhou",
        "line": "line-1",
        "equipment_class": equipment_class,
        "calendar": calendar,
        "cost_per_hour": {"amount": cost, "currency": "CNY"},
        "state": "up",
    }
    return {**record, "initial_setup_group": group} if group else record


WORK_CENTERS = {
    "saw-1": _machine("Band saw 锯床", "saw", "two-shifts", "60.00"),
    "laser-1": _machine("Laser cutter 激光切割机", "laser", "two-shifts", "180.00"),
    "press-1": _machine("Press brake 折弯机", "press", "two-shifts", "120.00", "die-90"),
    "lathe-1": _machine("CNC lathe 1 数控车床", "lathe", "three-shifts", "150.00", "steel"),
    "lathe-2": _machine("CNC lathe 2 数控车床", "lathe", "two-shifts", "140.00", "brass"),
    "mill-1": _machine("Machining centre 1 加工中心", "mill", "three-shifts", "220.00", "steel"),
    "mill-2": _machine("Machining centre 2 加工中心", "mill", "three-shifts", "220.00", "aluminium"),
    "mill-3": _machine("Milling machine 铣床", "mill", "two-shifts", "160.00", "steel"),
    "grind-1": _machine("Surface grinder 平面磨床", "grinder", "two-shifts", "130.00"),
    "weld-1": _machine("Welding cell 焊接单元", "welder", "two-shifts", "110.00"),
    "paint-1": _machine("Powder coating 喷粉线", "paint", "two-shifts", "90.00", "black"),
    "qc-1": _machine("Measuring room 检测室", "inspection", "day-shift", "80.00"),
}

_COLOURS = ("black", "white", "red")
_METALS = ("steel", "aluminium", "brass")
_DIES = ("die-90", "die-60")


def _matrix(target: dict[str, Any], groups: tuple[str, ...], minutes: int) -> dict[str, Any]:
    entries = [
        {"from_group": a, "to_group": b, "duration": f"PT{minutes + 10 * abs(i - j)}M"}
        for i, a in enumerate(groups)
        for j, b in enumerate(groups)
        if a != b
    ]
    return {**target, "entries": entries}


SETUP_MATRICES = {
    "colours": _matrix({"work_centers": ["paint-1"]}, _COLOURS, 25),
    "metals-mill": _matrix({"equipment_class": "mill"}, _METALS, 20),
    "metals-lathe": _matrix({"equipment_class": "lathe"}, _METALS, 15),
    "dies": _matrix({"work_centers": ["press-1"]}, _DIES, 20),
}


def _operator(name: str, calendar: str, *skills: str) -> dict[str, Any]:
    return {"name": name, "calendar": calendar, "qualifications": [{"skill": s, "level": 3} for s in skills]}


OPERATORS = {
    "OP-01": _operator("Li Wei 李伟", "day-shift", "turning", "milling"),
    "OP-02": _operator("Wang Fang 王芳", "day-shift", "milling", "grinding"),
    "OP-03": _operator("Zhang Min 张敏", "day-shift", "welding", "painting"),
    "OP-04": _operator("Liu Yang 刘洋", "late-shift", "turning", "milling"),
    "OP-05": _operator("Chen Jie 陈杰", "late-shift", "milling", "grinding"),
    "OP-06": _operator("Yang Lei 杨磊", "late-shift", "welding", "painting"),
    "OP-07": _operator("Zhao Lin 赵琳", "night-shift", "turning", "milling"),
    "OP-08": _operator("Huang Bo 黄波", "day-shift", "inspection"),
    "OP-09": _operator("Zhou Tao 周涛", "day-shift", "cutting", "bending"),
    "OP-10": _operator("Wu Xia 吴霞", "late-shift", "cutting", "bending"),
}

CUSTOMERS = {
    "ACME": {"name": "ACME Robotics"},
    "HUAXIN": {"name": "Huaxin Medical 华信医疗"},
    "NORDLUX": {"name": "Nordlux Lighting"},
    "YUNDA": {"name": "Yunda Rail 运达轨道"},
}

MATERIALS = {
    "BAR-STEEL-20": {"name": "Steel bar 20 mm", "unit": "m"},
    "PLATE-ALU-6": {"name": "Aluminium plate 6 mm", "unit": "sheet"},
    "SHEET-STEEL-2": {"name": "Steel sheet 2 mm", "unit": "sheet"},
    "BAR-BRASS-12": {"name": "Brass bar 12 mm", "unit": "m"},
}


def _step(name: str, work_centers: list[str], setup: str, unit: str, skill: str | None = None,
          group: str | None = None, **more: Any) -> dict[str, Any]:  # fmt: skip
    step: dict[str, Any] = {"name": name, "work_centers": work_centers, "setup_time": setup, "unit_time": unit, **more}
    if skill:
        step["skills"] = [skill]
    if group:
        step["setup_group"] = group
    return step


_MEASURE = _step("Final inspection 终检", ["qc-1"], "PT5M", "PT1M", "inspection")
ROUTINGS = {
    "BRACKET-S": {
        "name": "Steel bracket 钢支架",
        "product": "BRACKET-S",
        "operations": [
            _step("Laser cutting 激光切割", ["laser-1"], "PT10M", "PT1M30S", "cutting"),
            _step("Bending 折弯", ["press-1"], "PT5M", "PT1M", "bending", "die-90"),
            _step("Welding 焊接", ["weld-1"], "PT10M", "PT4M", "welding"),
            _step("Powder coating 喷粉", ["paint-1"], "PT5M", "PT1M30S", "painting", "black"),
            _MEASURE,
        ],
    },
    "HOUSING-A": {
        "name": "Aluminium housing 铝壳体",
        "product": "HOUSING-A",
        "operations": [
            _step("Sawing 下料", ["saw-1"], "PT5M", "PT1M", "cutting"),
            _step("Milling, side 1 铣削一面", ["mill-1", "mill-2", "mill-3"], "PT15M", "PT9M", "milling", "aluminium"),
            _step("Milling, side 2 铣削二面", ["mill-1", "mill-2"], "PT15M", "PT7M", "milling", "aluminium"),
            _MEASURE,
        ],
    },
    "SHAFT-12": {
        "name": "Ground shaft 精磨轴",
        "product": "SHAFT-12",
        "operations": [
            _step("Sawing 下料", ["saw-1"], "PT5M", "PT30S", "cutting"),
            _step("Turning 车削", ["lathe-1", "lathe-2"], "PT10M", "PT5M", "turning", "steel"),
            _step("Grinding 磨削", ["grind-1"], "PT10M", "PT4M", "grinding"),
            _MEASURE,
        ],
    },
    "FITTING-B": {
        "name": "Brass fitting 黄铜接头",
        "product": "FITTING-B",
        "operations": [
            _step("Turning 车削", ["lathe-1", "lathe-2"], "PT10M", "PT3M", "turning", "brass"),
            _step("Drilling 钻孔", ["mill-3", "mill-1"], "PT10M", "PT2M", "milling", "brass"),
            _MEASURE,
        ],
    },
    "COVER-W": {
        "name": "Anodised cover 阳极氧化盖板",
        "product": "COVER-W",
        "operations": [
            _step("Laser cutting 激光切割", ["laser-1"], "PT10M", "PT2M", "cutting"),
            _step("Milling 铣削", ["mill-1", "mill-2"], "PT15M", "PT6M", "milling", "aluminium"),
            # There is no anodising line in the plant: this is the step that needs a partner.
            _step("Anodising 阳极氧化", [], "PT0S", "PT2M", sourcing="outsource"),
            _MEASURE,
        ],
    },
}  # fmt: skip

RECORDS: Records = {
    "site": {"suzhou": {"name": "Suzhou 苏州", "time_zone": ZONE}},
    "line": {"line-1": {"name": "Line 1 一号线", "site": "suzhou"}},
    "calendar": CALENDARS,
    "work_center": WORK_CENTERS,
    "setup_matrix": SETUP_MATRICES,
    "operator": OPERATORS,
    "customer": CUSTOMERS,
    "material": MATERIALS,
    "routing": ROUTINGS,
}
