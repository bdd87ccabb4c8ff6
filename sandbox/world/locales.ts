/** Words people and places of the invented world are made of, per language. */
export type Language = 'pl' | 'de' | 'fr' | 'en'
export type Locale = {
  language: Language
  country: string
  female: readonly string[]
  male: readonly string[]
  last: readonly string[]
  streets: readonly string[]
  cities: readonly (readonly [city: string, postalCode: string])[]
  companyForms: readonly string[]
  trades: readonly string[]
}

const pl: Locale = {
  language: 'pl',
  country: 'PL',
  female: 'Agnieszka Małgorzata Żaneta Grażyna Łucja Świętosława Bożena Zofia Jadwiga Michalina Róża Wanda'.split(' '),
  male: 'Łukasz Paweł Michał Stanisław Grzegorz Wojciech Józef Rafał Przemysław Błażej Świętopełk Bolesław'.split(' '),
  last: 'Źrebiński Ćwierczakowski Ślązkowski Gęślarz Dąbrówkowski Żółtański Krzemieńczuk Wąsikowski Pszczółka Brzęczyński Łąkowiak Jeżynkowski Świerczak Ostrężyński Mgiełka Trzcieniecki'.split(
    ' ',
  ),
  streets: ['ul. Świętojańska', 'ul. Długa', 'al. Róż', 'ul. Żurawia', 'pl. Słoneczny', 'ul. Księdza Ściegiennego'],
  cities: [
    ['Łódź', '90-001'],
    ['Kraków', '30-059'],
    ['Gdańsk', '80-286'],
    ['Wrocław', '50-375'],
    ['Rzeszów', '35-060'],
    ['Świdnica', '58-100'],
  ],
  companyForms: ['Sp. z o.o.', 'S.A.', 'sp.j.', 'PSA'],
  trades: ['Zakłady Mechaniczne', 'Młyny Zbożowe', 'Hurtownia Części', 'Pracownia Świateł', 'Żegluga Śródlądowa'],
}

const de: Locale = {
  language: 'de',
  country: 'DE',
  female: 'Käthe Jürgenia Annegret Heike Bärbel Gisela Sabine Dörte Ursula Mareike Frauke Edeltraut'.split(' '),
  male: 'Jörg Günther Björn Jürgen Detlef Sönke Ruprecht Götz Hartmut Thorsten Wolfgang Kay-Uwe'.split(' '),
  last: 'Größmeyer Müllerbach Weißenkamp Süßengut Fährhuber Köpperling Öhlendorff Straußfeld Überschaer Grünwaldt Böttcherau von-Rüdenitz Hägelmann Jäckelstein Knöpfler Zöllichau'.split(
    ' ',
  ),
  streets: ['Lindenstraße', 'Am Mühlgraben', 'Schloßallee', 'Königsweg', 'Große Gasse', 'Bahnhofstraße'],
  cities: [
    ['Köln', '50667'],
    ['München', '80331'],
    ['Görlitz', '02826'],
    ['Düsseldorf', '40213'],
    ['Würzburg', '97070'],
    ['Leipzig', '04109'],
  ],
  companyForms: ['GmbH', 'AG', 'GmbH & Co. KG', 'e.K.'],
  trades: ['Feinmechanik', 'Mühlenbau', 'Großhandel', 'Werkzeugbau', 'Getränkelogistik'],
}

const fr: Locale = {
  language: 'fr',
  country: 'FR',
  female: 'Élodie Chloé Zoé Aurélie Noémie Françoise Hélène Maëlle Océane Gaëlle Solène Inès'.split(' '),
  male: 'François Jérôme Loïc Gaël Rémi Étienne Cédric Benoît Anaël Théo Hervé Jean-Noël'.split(' '),
  last: "Lefèvrier Béranjoux D'Aubrécourt Garçonneau Châtelnoir Boisgérard Crèvecourt Delahaÿe Fénelonne L'Hôpitard Noëllier Prévostin Rênevoux Saint-Ébrard Vauquelinière Œuvrard".split(
    ' ',
  ),
  streets: ['rue de la Forêt', 'avenue du Général', 'impasse des Érables', 'boulevard de l’Hôtel', 'quai aux Herbes'],
  cities: [
    ['Orléans', '45000'],
    ['Nîmes', '30900'],
    ['Besançon', '25000'],
    ['Saint-Étienne', '42000'],
    ['Mâcon', '71000'],
    ['Bourg-en-Bresse', '01000'],
  ],
  companyForms: ['SARL', 'SAS', 'S.A.', 'EURL'],
  trades: ['Établissements', 'Société Générale de Tôlerie', 'Ateliers', 'Cave Coopérative', 'Imprimerie'],
}

const en: Locale = {
  language: 'en',
  country: 'GB',
  female: 'Zoë Siobhán Harriet Philippa Bronwyn Imogen Tamsin Rosalind Chloë Morwenna Beatrix Niamh'.split(' '),
  male: 'Rupert Alasdair Seán Gethin Barnaby Crispin Ewan Tristan Noël Hamish Piers Conor'.split(' '),
  last: "Ashcombe-Wren Brontëley O'Drisceoil MacThistle Featherby Quillington Hawthornden Peverstone Blackwatery Thistlewick Marlowford Ó-Briainstown Underhythe Wexcombe Fernsby Loxleigh".split(
    ' ',
  ),
  streets: ['High Street', "St. Swithun's Lane", 'Mill Road', 'Crown Yard', 'Station Approach', "King's Parade"],
  cities: [
    ['Bristol', 'BS1 4ZZ'],
    ['Leeds', 'LS1 4ZZ'],
    ['Llandudno', 'LL30 4ZZ'],
    ['York', 'YO1 4ZZ'],
    ['Ely', 'CB7 4ZZ'],
    ['Dundee', 'DD1 4ZZ'],
  ],
  companyForms: ['Ltd', 'plc', 'LLP', '& Daughters Ltd'],
  trades: ['Precision Works', 'Mill & Grain', 'Trade Supplies', 'Lighting Studio', 'Canal Freight'],
}

export const LOCALES: readonly Locale[] = [pl, de, fr, en]
