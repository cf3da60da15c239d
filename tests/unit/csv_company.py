"""A folder of CSV files to import: a small company of the shape of the Northwind set, whose cells a test can change."""

from __future__ import annotations

import csv
from pathlib import Path

HEADERS = {
    "users": "id,first_name,last_name,title,email,work_phone,manager_id",
    "companies": "id,origin_id,title,phone,fax,address,city,region,postal_code,country,responsible_id",
    "contacts": "id,first_name,last_name,post,phone,email,company_id,responsible_id",
    "products": "id,name,section,measure,price,currency,active",
    "deals": (
        "id,origin_id,title,stage_id,company_id,contact_id,responsible_id,currency,opportunity,begin_date,close_date,"
        "moved_at,delivery_address,delivery_city,delivery_country"
    ),
    "product_rows": "deal_id,product_id,price,quantity,discount_percent",
}

ROWS = {
    "users": ["1,Robin,Vale,Sales,robin@tea.example,+33 1,2", "2,Sasha,Field,Head of sales,sasha@tea.example,,"],
    "companies": [
        "1,HARB,Harbour Books,030-1,030-2,1 Quay,Lyon,,69001,France,1",
        "2,,Mill Lane Bakery,030-3,,,,,,,2",
    ],
    "contacts": ["1,Alex,Moor,Owner,030-4,alex@harbour.example,1,1", "2,Kim,Ash,,,,2,"],
    "products": ["1,Tea,Drinks,box,18.00,USD,Y", "2,Pot,Wares,piece,0.333,USD,N"],
    "deals": [
        "1,A1,Tea for Harbour,WON,1,1,1,USD,1.00,1996-07-04,1996-08-01,1996-07-16,1 Quay,Lyon,France",
        "2,,Pots for Mill Lane,NEW,2,2,2,USD,77.50,,,,,,",
        "3,,Nothing yet,NEW,2,,2,USD,,,,,,,",
    ],
    "product_rows": ["1,1,18.00,10,5", "1,2,0.333,3,0", "3,2,0.005,1,0", "3,2,0.005,1,0"],
}


class Company:
    """What the files hold. Lines count from 2, for line 1 is the header."""

    def __init__(self) -> None:
        self.headers = dict(HEADERS)
        self.rows = {name: list(rows) for name, rows in ROWS.items()}

    def set(self, name: str, line: int, column: str, cell: str) -> None:
        """Change a cell."""
        cells = next(csv.reader([self.rows[name][line - 2]]))
        cells[self.headers[name].split(",").index(column)] = cell
        self.rows[name][line - 2] = ",".join(f'"{each}"' if set(each) & set(',"\n') else each for each in cells)

    def only(self, *names: str) -> Company:
        """Leave out all other files."""
        self.rows = {name: rows for name, rows in self.rows.items() if name in names}
        return self

    def write(self, folder: Path) -> Path:
        """Write the files into a folder."""
        folder.mkdir(exist_ok=True)
        for name, rows in self.rows.items():
            (folder / f"{name}.csv").write_text("\n".join([self.headers[name], *rows, ""]), "utf-8")
        return folder
