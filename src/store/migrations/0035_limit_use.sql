-- What was used of each limit, by five minutes in which anything was. Written once a minute out of the books that all processes share
-- (`quota`), so that no call costs more: the books count what they granted since they began.
create table limit_use (
  key text not null collate "C",
  -- When its five minutes began.
  at timestamptz not null,
  -- Units granted since the book of the limit began, at the end of these minutes.
  total double precision not null,
  -- The limit as it was then: so many units in so many seconds.
  units double precision not null,
  seconds double precision not null,
  primary key (key, at)
);
