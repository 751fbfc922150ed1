<?php
/**
 * The hub's answer to a basket.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub\Core;

/**
 * Read once and held against the basket: an answer that does not add up is no answer.
 */
final class Quote {

	/**
	 * Kopecks taken off each line by the hub's discounts, and paid with points.
	 *
	 * @var array<string, array{discount: int, spend: int, payable: int}>
	 */
	public array $lines = array();

	/**
	 * Hundredths of points: earn, spend, spend_min, spend_max, spend_step.
	 *
	 * @var array<string, int>
	 */
	public array $points = array();

	/**
	 * Kopecks that gift certificates pay.
	 *
	 * @var int
	 */
	public int $certificates = 0;

	/**
	 * Reads the answer.
	 *
	 * @param array  $answer Decoded JSON.
	 * @param Basket $basket What was asked.
	 * @throws \UnexpectedValueException An answer to something else, or one that does not add up.
	 */
	public function __construct( public array $answer, Basket $basket ) {
		foreach ( self::part( $answer, 'lines' ) as $told ) {
			$this->add( $told, $basket );
		}
		if ( count( $this->lines ) !== count( $basket->lines ) ) {
			throw new \UnexpectedValueException( 'Lines are missing.' );
		}
		$totals = self::part( $answer, 'totals' );
		foreach ( array( 'discount', 'spend', 'payable' ) as $name ) {
			if ( Money::read( $totals[ $name ] ?? null ) !== array_sum( array_column( $this->lines, $name ) ) ) {
				throw new \UnexpectedValueException( 'The totals are not the sum of the lines.' );
			}
		}
		$this->certificates = Money::read( $totals['certificates'] ?? '0' );
		$left               = $this->total( 'payable' ) - $this->certificates;
		if ( $this->certificates < 0 || Money::read( $totals['to_pay'] ?? Money::write( $left ) ) !== $left || $left < 0 ) {
			throw new \UnexpectedValueException( 'What is left to pay does not add up.' );
		}
		$points = self::part( $answer, 'points' );
		foreach ( array( 'earn', 'spend', 'spend_min', 'spend_max', 'spend_step' ) as $name ) {
			$this->points[ $name ] = Money::read( $points[ $name ] ?? null );
		}
	}

	/**
	 * One sum of all lines.
	 *
	 * @param string $name One of discount, spend, payable.
	 * @return int Kopecks.
	 */
	public function total( string $name ): int {
		return array_sum( array_column( $this->lines, $name ) );
	}

	/**
	 * Whether the hub takes anything off, or pays something.
	 *
	 * @return bool
	 */
	public function reduces(): bool {
		return $this->total( 'discount' ) + $this->total( 'spend' ) + $this->certificates > 0;
	}

	/**
	 * Whether a code that the buyer typed is used.
	 *
	 * @return bool
	 */
	public function uses_codes(): bool {
		return in_array( 'applied', array_column( $this->codes(), 'status' ), true );
	}

	/**
	 * What became of the typed codes, of coupons and of certificates.
	 *
	 * @return array[] Each with code, status and, for people, text; certificates with amount and left.
	 */
	public function codes(): array {
		$codes = array_merge( (array) ( $this->answer['coupons'] ?? array() ), (array) ( $this->answer['certificates'] ?? array() ) );
		return array_filter( $codes, 'is_array' );
	}

	/**
	 * Goods that go with this order for nothing.
	 *
	 * @return array[] Each with promotion, sku, name and quantity, as texts.
	 */
	public function gifts(): array {
		$gifts = array();
		foreach ( (array) ( $this->answer['gifts'] ?? array() ) as $gift ) {
			if ( is_array( $gift ) && is_string( $gift['sku'] ?? null ) && is_numeric( $gift['quantity'] ?? null ) && $gift['quantity'] > 0 ) {
				$gifts[] = array(
					'promotion' => (string) ( $gift['promotion'] ?? '' ),
					'sku'       => $gift['sku'],
					'name'      => (string) ( $gift['name'] ?? '' ),
					'quantity'  => (string) $gift['quantity'],
				);
			}
		}
		return $gifts;
	}

	/**
	 * Whether points can be spent with a confirmation code alone.
	 *
	 * @return bool
	 */
	public function needs_code(): bool {
		return true === ( $this->answer['points']['code_required'] ?? false );
	}

	/**
	 * The member's number in the hub.
	 *
	 * @return string|null
	 */
	public function member(): ?string {
		$id = $this->answer['member']['id'] ?? null;
		return is_string( $id ) ? $id : null;
	}

	/**
	 * Points that can be spent, where the hub may tell the buyer.
	 *
	 * @return int|null Hundredths.
	 */
	public function available(): ?int {
		$available = $this->answer['member']['balance']['available'] ?? null;
		return null === $available ? null : Money::read( $available );
	}

	/**
	 * A line's sums, if they are ones that can be.
	 *
	 * @param mixed  $told   A line of the answer.
	 * @param Basket $basket What was asked.
	 * @throws \UnexpectedValueException If not.
	 */
	private function add( $told, Basket $basket ): void {
		$line = is_array( $told ) ? $basket->lines[ $told['id'] ?? '' ] ?? null : null;
		if ( null === $line || isset( $this->lines[ $line->id ] ) ) {
			throw new \UnexpectedValueException( 'A line that was not asked about.' );
		}
		$sums = array();
		foreach ( array( 'discount', 'spend', 'payable' ) as $name ) {
			$sums[ $name ] = Money::read( $told[ $name ] ?? null );
		}
		if ( min( $sums ) < 0 || array_sum( $sums ) !== $line->amount ) {
			throw new \UnexpectedValueException( 'A line does not add up.' );
		}
		if ( 'goods' !== $line->kind && $sums['payable'] !== $line->amount ) {
			throw new \UnexpectedValueException( 'A coupon takes nothing off delivery.' );
		}
		$this->lines[ $line->id ] = $sums;
	}

	/**
	 * A member of the answer that is an object or a list.
	 *
	 * @param array  $answer Decoded JSON.
	 * @param string $name   Its name.
	 * @return array
	 * @throws \UnexpectedValueException If there is none.
	 */
	private static function part( array $answer, string $name ): array {
		if ( ! is_array( $answer[ $name ] ?? null ) ) {
			throw new \UnexpectedValueException( 'Not an answer to a basket.' );
		}
		return $answer[ $name ];
	}
}
