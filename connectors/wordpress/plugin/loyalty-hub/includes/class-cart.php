<?php
/**
 * Quotes at the cart, as virtual coupons.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

use LoyaltyHub\Core\Allotment;
use LoyaltyHub\Core\Checkout;
use LoyaltyHub\Core\Quote;

/**
 * After WooCommerce has calculated a cart, the hub is asked; what it takes off becomes coupons of a
 * type of our own, whose amount stands for each line, and the cart is calculated once more.
 *
 * Both checkouts, classic and of blocks, calculate the same cart, so both come through here.
 */
final class Cart {

	private const SESSION = 'loyalty_hub';

	/**
	 * The one of this request.
	 *
	 * @var self|null
	 */
	private static ?self $one = null;

	/**
	 * What the last calculation took off: by coupon and cart key, in hundredths.
	 *
	 * @var array<string, array<string, float>>
	 */
	private array $taken = array();

	/**
	 * What a coupon took off a stored order that is being calculated anew: by item, in hundredths.
	 *
	 * @var array<string, array<int, float>>
	 */
	private array $stored = array();

	/**
	 * Whether the calculation that runs is our own.
	 *
	 * @var bool
	 */
	private bool $busy = false;

	/**
	 * The answer for the cart as it is.
	 *
	 * @var Quote|null
	 */
	private ?Quote $quote = null;

	/**
	 * The one of this request.
	 *
	 * @return self
	 */
	public static function one(): self {
		self::$one ??= new self();
		return self::$one;
	}

	/**
	 * Listens.
	 */
	public function listen(): void {
		add_filter( 'woocommerce_get_shop_coupon_data', array( $this, 'coupon' ), 10, 2 );
		add_filter( 'woocommerce_coupon_custom_discounts_array', array( $this, 'discounts' ), 10, 2 );
		add_filter( 'woocommerce_order_recalculate_coupons_coupon_object', array( $this, 'read_stored' ), 10, 4 );
		add_action( 'woocommerce_before_calculate_totals', array( $this, 'forget_taken' ), 1000, 0 );
		add_action( 'woocommerce_after_calculate_totals', array( $this, 'price' ), 100 );
		add_action( 'woocommerce_cart_emptied', array( $this, 'begin_anew' ), 10, 0 );
		add_action( 'woocommerce_removed_coupon', array( $this, 'on_removed' ) );
	}

	/**
	 * The way of this buyer's cart, as the session holds it.
	 *
	 * @return Checkout|null Null where there is no buyer, as in the queue.
	 */
	public function checkout(): ?Checkout {
		if ( ! WC()->session || ! Options::are_complete() ) {
			return null;
		}
		$kept = $this->kept();
		return new Checkout( Transport::for_buyers(), $kept['checkout'] ?? array(), 'time', wp_generate_uuid4() );
	}

	/**
	 * Keeps it.
	 *
	 * @param Checkout $checkout The way of the cart.
	 */
	public function keep_checkout( Checkout $checkout ): void {
		$this->keep_part( 'checkout', $checkout->state() );
	}

	/**
	 * The hub's answer for the cart as it was calculated last, asked for if need be.
	 *
	 * @return Quote|null
	 */
	public function quote(): ?Quote {
		if ( null === $this->quote && WC()->cart && ! WC()->cart->is_empty() ) {
			$this->renew();
		}
		return $this->quote;
	}

	/**
	 * Asks anew if anything has changed since the cart was calculated, as the method of payment.
	 *
	 * @return bool Whether the price is another now.
	 */
	public function renew(): bool {
		$this->taken_by_session();
		return $this->price( WC()->cart );
	}

	/**
	 * What was taken off each line with tax: by cart key, discount and spend in kopecks.
	 *
	 * @return array
	 */
	public function told(): array {
		return $this->kept()['told'] ?? array();
	}

	/**
	 * What the basket of the cart is now.
	 *
	 * @return Core\Basket
	 */
	public function basket(): Core\Basket {
		$this->taken_by_session();
		return Basket_Reader::read( WC()->cart, $this->taken );
	}

	/**
	 * Asks for the calculated cart, and has it calculated anew where the answer changes it.
	 *
	 * @param \WC_Cart $cart The cart.
	 * @return bool Whether it did.
	 */
	public function price( \WC_Cart $cart ): bool {
		if ( $this->busy || ! WC()->session ) {
			return false;
		}
		$checkout = $this->checkout();
		if ( null === $checkout ) {
			return $this->take_away( $cart );
		}
		$this->busy  = true;
		$basket      = Basket_Reader::read( $cart, $this->taken );
		$this->quote = $checkout->quote( $basket );
		$allotment   = null === $this->quote ? null : new Allotment( $this->quote, $basket, Basket_Reader::tax( $cart ) );
		$off         = null === $allotment ? array() : $allotment->coupons;
		$this->keep_part( 'checkout', $checkout->state() );
		$this->keep_part( 'told', null === $allotment ? array() : $allotment->told );
		$paid    = null === $this->quote ? 0 : $this->quote->certificates;
		$changed = $paid !== $this->paid_by_certificates();
		$this->keep_part( 'paid', array( $paid ) );
		$changed = $this->put( $cart, $off ) || $changed;
		$changed = Gifts::sync( $cart, $this->quote, $this->kept()['refused'] ?? array() ) || $changed;
		if ( $changed ) {
			$cart->calculate_totals();
		}
		$this->busy = false;
		return $changed;
	}

	/**
	 * What gift certificates pay of this cart.
	 *
	 * @return int Kopecks.
	 */
	public function paid_by_certificates(): int {
		return (int) ( $this->kept()['paid'][0] ?? 0 );
	}

	/**
	 * The buyer took a gift out of the cart, and it stays out.
	 *
	 * @param string $mark Of the gift.
	 */
	public function refuse_gift( string $mark ): void {
		if ( ! $this->busy && WC()->session ) {
			$this->keep_part( 'refused', array_values( array_unique( array( ...$this->kept()['refused'] ?? array(), $mark ) ) ) );
		}
	}

	/**
	 * The owner has switched the plugin off meanwhile: nobody promises any more what it gave.  Gifts
	 * come back with the cart of an account, in a session that knows nothing of them.
	 *
	 * @param \WC_Cart $cart The cart.
	 * @return bool Whether it gave anything.
	 */
	private function take_away( \WC_Cart $cart ): bool {
		$this->busy = true;
		$changed    = Gifts::sync( $cart, null, array() );
		if ( array() !== $this->kept() ) {
			$this->put( $cart, array() );
			WC()->session->set( self::SESSION, array() );
			$this->quote = null;
			$changed     = true;
		}
		if ( $changed ) {
			$cart->calculate_totals();
		}
		$this->busy = false;
		return $changed;
	}

	/**
	 * The cart was emptied: ordered, or given up.  One whose payment failed keeps its choices and its
	 * id, so that the next try replaces the hold instead of setting points aside twice.
	 */
	public function begin_anew(): void {
		$checkout = $this->checkout();
		if ( null !== $checkout ) {
			$checkout->begin_anew( wp_generate_uuid4() );
			WC()->session->set( self::SESSION, array( 'checkout' => $checkout->state() ) );
		}
		$this->quote = null;
	}

	/**
	 * The virtual coupon, while the hub gives something by it; nobody else can use the code.
	 *
	 * @param mixed $data Of another plugin, or false.
	 * @param mixed $code Code or id.
	 * @return mixed
	 */
	public function coupon( $data, $code ) {
		$off = is_string( $code ) && in_array( $code, Coupons::CODES, true ) ? $this->off()[ $code ] ?? array() : array();
		if ( array() === $off ) {
			return $data;
		}
		return array(
			'discount_type' => Coupons::TYPE,
			'amount'        => Core\Money::write( array_sum( $off ) ),
		);
	}

	/**
	 * What a coupon of ours takes off each line.
	 *
	 * @param array      $discounts Hundredths by key of the line.
	 * @param \WC_Coupon $coupon    The coupon.
	 * @return array
	 */
	public function discounts( $discounts, $coupon ) {
		$code = $coupon->get_code();
		if ( ! in_array( $code, Coupons::CODES, true ) ) {
			return $discounts;
		}
		$is_order = isset( $this->stored[ $code ] );
		$off      = $is_order ? $this->stored[ $code ] : $this->off()[ $code ] ?? array();
		foreach ( $discounts as $key => $none ) {
			$discounts[ $key ] = (float) ( $off[ $key ] ?? 0 );
		}
		if ( $is_order ) {
			unset( $this->stored[ $code ] );
		} else {
			$this->taken[ $code ] = $discounts;
		}
		return $discounts;
	}

	/**
	 * Staff have a stored order calculated anew: each line keeps what it was given, up to its price.
	 *
	 * @param \WC_Coupon            $coupon The coupon as WooCommerce made it up from its line.
	 * @param string                $code   Of the coupon.
	 * @param \WC_Order_Item_Coupon $item   Its line.
	 * @param \WC_Order             $order  The order.
	 * @return \WC_Coupon
	 */
	public function read_stored( $coupon, $code, $item, $order ) {
		if ( ! in_array( $code, Coupons::CODES, true ) ) {
			return $coupon;
		}
		$this->stored[ $code ] = array();
		foreach ( $order->get_items() as $id => $line ) {
			$off   = $line->get_meta( Orders::OFF );
			$price = $line->get_subtotal() + ( $order->get_prices_include_tax() ? $line->get_subtotal_tax() : 0 );

			$this->stored[ $code ][ $id ] = min( (float) ( is_array( $off ) ? $off[ $code ] ?? 0 : 0 ), (float) wc_add_number_precision( $price ) );
		}
		$coupon->set_discount_type( Coupons::TYPE );
		return $coupon;
	}

	/**
	 * A calculation begins.
	 */
	public function forget_taken(): void {
		$this->taken = array();
	}

	/**
	 * A buyer who removes the coupon of points spends none.
	 *
	 * @param string $code Of the coupon.
	 */
	public function on_removed( $code ): void {
		$checkout = Allotment::POINTS === $code && ! $this->busy ? $this->checkout() : null;
		if ( null !== $checkout ) {
			$checkout->choose( '' );
			$this->keep_checkout( $checkout );
		}
	}

	/**
	 * Puts the coupons on the cart.
	 *
	 * @param \WC_Cart $cart The cart.
	 * @param array    $off  By coupon and cart key, kopecks.
	 * @return bool Whether the cart must be calculated anew.
	 */
	private function put( \WC_Cart $cart, array $off ): bool {
		$applied = $cart->get_applied_coupons();
		$wanted  = array_values( array_merge( array_diff( $applied, Coupons::CODES ), array_intersect( Coupons::CODES, array_keys( $off ) ) ) );
		$changed = array_values( $applied ) !== $wanted || $this->off() !== $off;
		$this->keep_part( 'off', $off );
		$cart->set_applied_coupons( $wanted );
		return $changed;
	}

	/**
	 * What the coupons take off: by coupon and cart key, kopecks.
	 *
	 * @return array
	 */
	public function off(): array {
		return $this->kept()['off'] ?? array();
	}

	/**
	 * A cart that comes calculated from the session had these coupons.
	 */
	private function taken_by_session(): void {
		if ( array() === $this->taken && WC()->cart ) {
			$this->taken = array_intersect_key( $this->off(), array_flip( WC()->cart->get_applied_coupons() ) );
		}
	}

	/**
	 * What the session holds of ours.
	 *
	 * @return array
	 */
	private function kept(): array {
		$kept = WC()->session ? WC()->session->get( self::SESSION, array() ) : array();
		return is_array( $kept ) ? $kept : array();
	}

	/**
	 * Keeps a part.
	 *
	 * @param string $name  Of the part.
	 * @param array  $value Of it.
	 */
	private function keep_part( string $name, array $value ): void {
		WC()->session->set( self::SESSION, array( $name => $value ) + $this->kept() );
	}
}
