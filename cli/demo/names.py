"""First names, last names and towns, out of which people are made up."""

from __future__ import annotations

_FIRST = """
    Ada Adriana Aisha Alan Alice Amara Amelia Anders Andrea Anita Ann Antonio Arjun Astrid Ava
    Beatriz Ben Bilal Bjarne Brigitte Carla Carlos Carmen Chen Chiara Chloé Clara Dag Daniel
    David Deepa Diego Dora Edgar Elena Eli Elif Ella Emil Emma Erik Esther Eva Fatima Felix
    Fiona Frank Freya George Gerda Grace Gustav Hana Hannah Harriet Hassan Helen Henrik Hugo Ian
    Ida Imani Ines Ingrid Iris Isaac Ivan Jack James Jana Jasmine Javier Jin Joan Johan José Joy
    Judith Kamal Karen Kay Kenji Kim Kofi Lars Laura Leila Lena Leo Li Lina Linus Liv Lucas
    Lucía Luz Maja Malik Marco Margaret Maria Marta Mateo Maya Mei Mia Miguel Mina Mohammed
    Nadia Naomi Nia Nils Noah Noor Nora Olga Oliver Olivia Omar Oscar Otto Pablo Paula Pedro
    Petra Priya Quinn Rachel Rafael Rania Ravi René Rosa Ruth Ryan Saga Sam Samira Sara Sean
    Selma Sofia Stefan Sven Tara Tariq Theo Thomas Tim Tomás Uma Ursula Vera Victor Wanda Wei
    Wendy William Yara Yusuf Zainab Zoë
"""

_LAST = """
    Abe Adams Ahmed Ali Andersson Baker Banerjee Bauer Becker Bell Berg Bianchi Brown Bruun
    Castillo Chan Chen Clark Cohen Cooper Costa Cruz Dahl Davies Delgado Diallo Dubois Eriksen
    Evans Farah Fischer Flores Fontaine Garcia Gomez Gray Green Haddad Hall Hansen Hill Hoffmann
    Hughes Hussain Ibrahim Ivanov Jackson Jensen Johansson Jones Kaya Keller Khan Kim King
    Kowalski Kumar Lange Larsen Lee Lewis Lindqvist Lopez Martin Meyer Miller Moore Moreau
    Morgan Müller Murphy Nakamura Nguyen Nielsen Novak Nowak O'Brien Okafor Olsen Owens Park
    Patel Pereira Petrov Quist Ramos Reyes Ricci Roberts Rossi Roux Ryan Sanchez Santos Sato
    Schmidt Scott Shah Silva Singh Smith Sørensen Suzuki Tanaka Taylor Thomas Torres Turner Vega
    Virtanen Vogel Walker Wang Weber White Williams Wilson Wong Wood Wright Yamada Yılmaz Young
    Zhang Ziegler
"""

FIRST = tuple(_FIRST.split())
LAST = tuple(_LAST.split())

TOWNS = (
    "Albany", "Ames", "Asheville", "Bend", "Boise", "Boulder", "Burlington", "Carson City",
    "Chattanooga", "Davis", "Decatur", "Duluth", "El Paso", "Eugene", "Flagstaff", "Galveston",
    "Green Bay", "Ithaca", "Juneau", "Lawrence", "Lincoln", "Madison", "Missoula", "Mobile",
    "Norfolk", "Olympia", "Peoria", "Portland, ME", "Portland, OR", "Provo", "Rapid City", "Salem",
    "San Luis Obispo", "Santa Fe", "Savannah", "St. Paul", "Toledo", "Tucson", "Utica", "Worcester",
)  # fmt: skip
